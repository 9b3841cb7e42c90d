package teardown

import "gatehouse.example/tools/template"

// retained returns the types of the resources, by logical id, that stay when the
// stack of the template is deleted.
func retained(text []byte) (map[string]string, error) {
	t, err := template.Parse("the stack's template", text)
	if err != nil {
		return nil, err
	}
	kept := map[string]string{}
	for _, r := range t.Resources("") {
		if r.Retained("DeletionPolicy") {
			kept[r.ID] = r.Type
		}
	}
	return kept, nil
}
