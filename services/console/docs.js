// The page of the routes: Swagger UI on the description that this service gives of itself.
window.SwaggerUIBundle({
  url: "docs.json",
  dom_id: "#routes",
  deepLinking: true,
  tryItOutEnabled: true,
  validatorUrl: null, // it would ask a server elsewhere
});
