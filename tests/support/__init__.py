"""What tests share: worlds, projects, releases; no test is in here."""
