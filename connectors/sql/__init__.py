"""What databases that speak SQL have in common. Imports no driver and knows no database's name."""
