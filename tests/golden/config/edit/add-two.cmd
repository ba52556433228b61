add git curl
