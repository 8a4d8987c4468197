"""Lists: a checked request becomes a query, the query an answer, the answer what is sent."""
