add b
