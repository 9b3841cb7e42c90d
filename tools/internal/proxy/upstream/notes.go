package upstream

// Notes are headers of answers that tell package trail what a record needs and the request
// does not show. They never leave the proxy.
const (
	// NoteCaller says who signed a call, in JSON; trail/callers.py writes it.
	NoteCaller = "X-Gatehouse-Caller"
	// NoteUser and NoteClient name the person and the app client of a form that carries only
	// a token of its flow. The name is escaped as in a query.
	NoteUser   = "X-Gatehouse-User"
	NoteClient = "X-Gatehouse-Client"
	// NoteProblem says that a form is shown again because what was typed is wrong. It is
	// Cognito's error, as type and message, where the page's record has one.
	NoteProblem = "X-Gatehouse-Problem"
	// NoteFirst says whether a federated person signs in for the first time;
	// cognito/federation.py writes it, with NoteUser.
	NoteFirst = "X-Gatehouse-First"
)

// Notes are the names of all notes.
func Notes() []string { return []string{NoteCaller, NoteUser, NoteClient, NoteProblem, NoteFirst} }
