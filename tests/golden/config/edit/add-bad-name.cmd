add a;b
