remove b c
