"""What the skeleton's client does besides, in each class whose commits do not hold everything."""
