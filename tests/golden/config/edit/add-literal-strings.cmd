add c
