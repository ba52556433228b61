remove c
