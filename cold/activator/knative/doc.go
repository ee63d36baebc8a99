// Package knative finds the functions that run as Knative Services: by label, followed live, with the manifest that stands at each
// Knative revision. It needs to get, list and watch services and revisions of serving.knative.dev, and no more.
package knative

// Label marks the Knative Services that are functions, and their templates: its value is "true".
const Label = "dubbofn.dev/function"

// ManifestAnnotation holds a function's manifest as JSON. Of the template, so that it stands at the Knative revision it belongs to; one of
// the Service itself counts where the revision has none.
const ManifestAnnotation = "dubbofn.dev/manifest"
