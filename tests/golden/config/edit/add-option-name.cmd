add --impure
