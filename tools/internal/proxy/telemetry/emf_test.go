package telemetry

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseEMF(t *testing.T) {
	t.Parallel()
	const head = `{"_aws":{"Timestamp":1700000000500,"CloudWatchMetrics":[`
	environment := []dimension{{"Environment", "local"}}
	one := func(name string, dims []dimension, unit string, values, counts []float64) datum {
		return datum{MetricName: name, Dimensions: dims, Timestamp: 1700000000.5, Unit: unit, Values: values, Counts: counts}
	}
	for name, tc := range map[string]struct {
		line string
		want []metricBatch
	}{
		"two_sets": {
			head + `{"Namespace":"G","Dimensions":[["Environment"],["Environment","ClientId"]],"Metrics":[{"Name":"N","Unit":"Count"}]}]},"Environment":"local","ClientId":"c","N":2}`,
			[]metricBatch{{"G", []datum{
				one("N", environment, "Count", []float64{2}, []float64{1}),
				one("N", append(environment[:1:1], dimension{"ClientId", "c"}), "Count", []float64{2}, []float64{1}),
			}}},
		},
		"array": {
			head + `{"Namespace":"G","Dimensions":[["Environment"]],"Metrics":[{"Name":"T","Unit":"Milliseconds"}]}]},"Environment":"local","T":[1,3,1]}`,
			[]metricBatch{{"G", []datum{one("T", environment, "Milliseconds", []float64{1, 3}, []float64{2, 1})}}},
		},
		"no_dimensions": {
			head + `{"Namespace":"G","Dimensions":[[]],"Metrics":[{"Name":"N"}]}]},"N":0}`,
			[]metricBatch{{"G", []datum{one("N", nil, "None", []float64{0}, []float64{1})}}},
		},
		"two_namespaces": {
			head + `{"Namespace":"G","Metrics":[{"Name":"N"}]},{"Namespace":"H","Metrics":[{"Name":"N"}]}]},"N":1}`,
			[]metricBatch{
				{"G", []datum{one("N", nil, "None", []float64{1}, []float64{1})}},
				{"H", []datum{one("N", nil, "None", []float64{1}, []float64{1})}},
			},
		},
		"metric_missing":    {head + `{"Namespace":"G","Metrics":[{"Name":"N"}]}]}}`, nil},
		"metric_text":       {head + `{"Namespace":"G","Metrics":[{"Name":"N"}]}]},"N":"1"}`, nil},
		"metric_null":       {head + `{"Namespace":"G","Metrics":[{"Name":"N"}]}]},"N":null}`, nil},
		"dimension_missing": {head + `{"Namespace":"G","Dimensions":[["D"]],"Metrics":[{"Name":"N"}]}]},"N":1}`, nil},
		"unit_unknown":      {head + `{"Namespace":"G","Metrics":[{"Name":"N","Unit":"Apples"}]}]},"N":1}`, nil},
		"no_timestamp":      {`{"_aws":{"CloudWatchMetrics":[{"Namespace":"G","Metrics":[{"Name":"N"}]}]},"N":1}`, nil},
		"no_namespace":      {head + `{"Metrics":[{"Name":"N"}]}]},"N":1}`, nil},
		"plain_line":        {`START RequestId: "_aws"`, nil},
		"json_line":         {`{"level":"INFO"}`, nil},
		"cut_off":           {head, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, parseEMF(tc.line)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzParseEMF(f *testing.F) {
	f.Add(`{"_aws":{"Timestamp":1,"CloudWatchMetrics":[{"Namespace":"G","Dimensions":[["D"]],"Metrics":[{"Name":"N"}]}]},"D":"d","N":[1,2]}`)
	f.Fuzz(func(t *testing.T, line string) {
		for _, batch := range parseEMF(line) {
			for _, d := range batch.MetricData {
				if d.MetricName == "" || len(d.Values) == 0 || len(d.Values) != len(d.Counts) {
					t.Errorf("datum %+v", d)
				}
			}
		}
	})
}
