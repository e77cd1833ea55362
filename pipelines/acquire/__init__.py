"""From a request to received bytes that can be counted on."""
