"""How a 1.x session becomes ready and stays so: scaffold, session manager, coordinator, hooks, monitored sessions."""
