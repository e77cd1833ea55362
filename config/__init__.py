"""Settings, sites, projects, policies, recipes and errors: frozen values, validated when built."""
