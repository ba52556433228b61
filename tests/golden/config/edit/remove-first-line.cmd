remove a
