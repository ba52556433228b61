add jq git jq git
