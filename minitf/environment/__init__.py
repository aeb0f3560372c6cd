"""What a program has around its tensors: files, the log, devices and switches, command line flags, test cases."""
