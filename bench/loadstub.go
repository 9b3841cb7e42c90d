package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"hash/maphash"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// partitionLimit is how many rows a second a partition of DynamoDB takes
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html).
const partitionLimit = 1000

// awsStub answers the calls of the consumers as AWS would: DynamoDB keeps each key once and
// limits a partition, EventBridge and SNS accept everything.
type awsStub struct {
	// latency is the time of each answer.
	latency time.Duration
	// limited is set if a partition has a limit.
	limited bool

	seed  maphash.Seed
	mu    sync.Mutex
	keys  map[uint64]struct{} // of rows, without claims
	taken int                 // events that the bus or the topic accepted
	hot   map[string]*window
}

// window counts the rows that a partition took in a second.
type window struct {
	second int64
	rows   int
}

func newAWSStub(latency time.Duration, limited bool) *awsStub {
	return &awsStub{latency: latency, limited: limited, seed: maphash.MakeSeed(), keys: map[uint64]struct{}{}, hot: map[string]*window{}}
}

// ended is how many different events have arrived.
func (s *awsStub) ended() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.keys) + s.taken
}

func (s *awsStub) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	if s.latency > 0 {
		<-time.After(s.latency)
	}
	switch target := req.Header.Get("X-Amz-Target"); {
	case strings.HasSuffix(target, ".PutItem"):
		s.putItem(w, body)
	case strings.HasSuffix(target, ".PutEvents"):
		s.putEvents(w, body)
	default: // SNS, whose calls have no such header
		s.publishBatch(w, body)
	}
}

func (s *awsStub) putItem(w http.ResponseWriter, body []byte) {
	var in struct {
		Item map[string]struct{ S string }
	}
	if err := json.Unmarshal(body, &in); err != nil {
		dynamoAnswer(w, http.StatusBadRequest, `{"__type":"ValidationException"}`)
		return
	}
	switch key := in.Item["event"].S + in.Item["pk"].S + "\n" + in.Item["sk"].S; s.put(in.Item["pk"].S, key) {
	case written:
		dynamoAnswer(w, http.StatusOK, "{}")
	case exists:
		dynamoAnswer(w, http.StatusBadRequest, `{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"exists"}`)
	case throttled:
		dynamoAnswer(w, http.StatusBadRequest, `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down"}`)
	}
}

// dynamoAnswer writes an answer of DynamoDB with its checksum, without which the SDK writes a
// warning for each call.
func dynamoAnswer(w http.ResponseWriter, status int, body string) {
	h := w.Header()
	h.Set("Content-Type", "application/x-amz-json-1.0")
	h.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(body))), 10))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

type outcome int

const (
	written outcome = iota
	exists
	throttled
)

// put adds a row unless its key exists or its partition is full in this second.
func (s *awsStub) put(partition, key string) outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limited && partition != "" {
		now, p := time.Now().Unix(), s.hot[partition]
		if p == nil || p.second != now {
			p = &window{second: now}
			s.hot[partition] = p
		}
		if p.rows++; p.rows > partitionLimit {
			return throttled
		}
	}
	sum := maphash.String(s.seed, key)
	if _, found := s.keys[sum]; found {
		return exists
	}
	s.keys[sum] = struct{}{}
	return written
}

func (s *awsStub) putEvents(w http.ResponseWriter, body []byte) {
	n := bytes.Count(body, []byte(`"DetailType":`))
	s.mu.Lock()
	s.taken += n
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_, _ = io.WriteString(w, `{"FailedEntryCount":0,"Entries":[`+strings.TrimSuffix(strings.Repeat(`{"EventId":"1"},`, n), ",")+"]}")
}

// publishBatch accepts every message, as SNS answers
// (https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html).
func (s *awsStub) publishBatch(w http.ResponseWriter, body []byte) {
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("Action") != "PublishBatch" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var accepted strings.Builder
	for i := 1; ; i++ {
		id := form.Get(fmt.Sprintf("PublishBatchRequestEntries.member.%d.Id", i))
		if id == "" {
			break
		}
		fmt.Fprintf(&accepted, "<member><Id>%s</Id><MessageId>567910cd-659e-55d4-8ccb-5aaf14679dc0</MessageId></member>", id)
		s.mu.Lock()
		s.taken++
		s.mu.Unlock()
	}
	w.Header().Set("Content-Type", "text/xml")
	_, _ = io.WriteString(w, `<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishBatchResult><Successful>`+
		accepted.String()+"</Successful><Failed/></PublishBatchResult></PublishBatchResponse>")
}
