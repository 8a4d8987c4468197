"""Whether a project and what it uses are well: findings with remedies. It looks and changes nothing."""
