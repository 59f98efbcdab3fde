"""Any nights, windows or versions beside any others."""
