"""An audience becomes deliveries: everyone asked for is queued, or counted under one reason."""
