"""The HTTP side: routes, schemas, errors, the OpenAPI document."""
