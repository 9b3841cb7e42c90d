// Package contracts defines the events of Gatehouse: their types, their data and
// their encoding.
//
// An event is a CloudEvents 1.0 event in structured JSON mode
// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md).
// Its source is the ARN of the user pool, its subject the user's sub, and it
// identifies no person in any other way: of an email address it contains only the
// registered domain, and only if that is a well-formed ASCII name.
//
// Every constructor takes an [Act], which says where, when and by which client
// something happened, and the data of its type. The JSON Schemas in
// contracts/schemas describe the same for other languages; a test compares the
// two.
package contracts
