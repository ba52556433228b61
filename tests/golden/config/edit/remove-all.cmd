remove b a c
