remove jq
