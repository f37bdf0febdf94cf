// Starts Swagger UI on our own document; a file of its own, since the page allows no inline script.
window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null, // nothing is sent to a third party
  persistAuthorization: false, // a token does not outlive the tab
  tryItOutEnabled: true,
});
