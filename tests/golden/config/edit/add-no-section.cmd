add git
