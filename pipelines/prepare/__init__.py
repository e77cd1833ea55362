"""From received bytes to de-identified objects and harmonised volumes."""
