"""Great Expectations: rules, their suites, results and Data Docs; nothing here changes a row."""
