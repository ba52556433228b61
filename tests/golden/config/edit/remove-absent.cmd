remove nodejs_2
