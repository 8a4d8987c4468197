"""How people and shops write values: amounts of money and dates; plain numbers and ISO instants are read in cells."""
