add jq
