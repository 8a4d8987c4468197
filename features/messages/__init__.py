"""JSON from outside, decoded into structs and checked field by field; no storage and no transport."""
