add e
