add curl
