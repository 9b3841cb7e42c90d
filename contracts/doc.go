// Package contracts is what the services of Gatehouse agree on: the types of
// the events, the shape of their data and how both are written down.
//
// An event is a CloudEvents 1.0 event in structured JSON mode
// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md).
// Its source is the ARN of the user pool, its subject the user's sub, and it
// names no person in any other way: of an e-mail address only the domain is
// ever written, and only where that domain is a well-formed ASCII name.
//
// Every constructor takes an [Act], which says where, when and by which client
// something happened, and the data of its type. The JSON Schemas in
// contracts/schemas say the same to readers in other languages; a test holds
// the two together.
package contracts
