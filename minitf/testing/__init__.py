"""The public test kit: what the laws of minitf are checked with, for this package and for parts that others write."""
