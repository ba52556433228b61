remove a x
