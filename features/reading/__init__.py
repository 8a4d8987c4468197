"""Reading: from the bytes of somebody's files to the checked raw tables; every source stands on it."""
