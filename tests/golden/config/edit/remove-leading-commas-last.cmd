remove b
