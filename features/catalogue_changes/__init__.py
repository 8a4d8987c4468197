"""Items that the service is told about between imports: their durable log, and how it joins the data; no models."""
