"""Who may use the portal: accounts, passwords, sessions, tokens, and the log of what they did."""
