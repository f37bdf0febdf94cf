// Starts Swagger UI on our own document; a file of its own, since the page allows no inline script.
window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null, // nothing is sent to a third party
  persistAuthorization: false, // a token does not outlive the tab
  tryItOutEnabled: true,
  // The web process takes uploads too. Asking it alone, the page needs no other origin's leave, and
  // no token leaves for an address that somebody typed as a server.
  requestInterceptor: (request) => {
    const asked = new URL(request.url, window.location.href);
    request.url = window.location.origin + asked.pathname + asked.search;
    return request;
  },
});
