package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"gatehouse.example/tools/stacks"
)

// The environment whose metrics are drawn.
const environment = "local"

// series is one metric of dashboard.json: a value per minute.
type series struct {
	// Key is what a dashboard writes: namespace, name, and dimensions as names and values.
	Key    []string          `json:"key"`
	Stat   string            `json:"stat"`
	Points map[int64]float64 `json:"points"`
}

type widget struct {
	X, Y, Width, Height float64
	Properties          struct {
		Title, Stat string
		Metrics     [][]any
	}
}

// graph is one line of a widget.
type graph struct {
	label  string
	points map[int64]float64
}

// search reads the only form of SEARCH that the dashboard uses.
var search = regexp.MustCompile(`^SEARCH\('\{Gatehouse,(\S+)\} MetricName="(\w+)" Environment="\w+"', '(\w+)', 60\)$`)

// dashboard draws the dashboard as it is defined, with the metrics in raw.
func dashboard(all []stacks.Stack, raw []byte) ([]byte, error) {
	var board struct{ Widgets []widget }
	for _, s := range all {
		for _, r := range s.Resources {
			if r.Type != "AWS::CloudWatch::Dashboard" {
				continue
			}
			body := strings.ReplaceAll(r.Text("DashboardBody"), "${Environment}", environment)
			if err := json.Unmarshal([]byte(body), &board); err != nil {
				return nil, fmt.Errorf("json.Unmarshal %s: %w", r.LogicalID, err)
			}
		}
	}
	if len(board.Widgets) == 0 {
		return nil, errors.New("no template has a dashboard with widgets")
	}
	var data []series
	if err := json.Unmarshal(raw, &data); err != nil {
		return nil, fmt.Errorf("json.Unmarshal dashboard.json: %w", err)
	}
	first, last := span(data)
	var p picture
	width, height := 0.0, 0.0
	for _, w := range board.Widgets {
		graphs, err := lines(w, data)
		if err != nil {
			return nil, err
		}
		p.widget(w, graphs, first, last)
		width, height = max(width, 40*(w.X+w.Width)), max(height, 36*(w.Y+w.Height))
	}
	return p.done(width, height, "The dashboard of user-events with the metrics of a few demos on a laptop"), nil
}

// span is the first and the last minute of the data.
func span(data []series) (int64, int64) {
	first, last := int64(math.MaxInt64), int64(0)
	for _, s := range data {
		for at := range s.Points {
			first, last = min(first, at), max(last, at)
		}
	}
	return first, max(last, first+60)
}

// lines evaluates the metrics of a widget.
func lines(w widget, data []series) ([]graph, error) {
	var out []graph
	byID := map[string]map[int64]float64{}
	for _, m := range w.Properties.Metrics {
		key, options := []string{}, map[string]any{}
		for _, part := range m {
			switch part := part.(type) {
			case string:
				key = append(key, part)
			case map[string]any:
				options = part
			}
		}
		expression, _ := options["expression"].(string)
		label, _ := options["label"].(string)
		if m := search.FindStringSubmatch(expression); m != nil {
			out = append(out, found(data, strings.Split(m[1], ","), m[2], m[3])...)
			continue
		}
		points := pick(data, key, w.Properties.Stat)
		if expression != "" {
			a, b, _ := strings.Cut(expression, " - ")
			if byID[a] == nil || byID[b] == nil {
				return nil, fmt.Errorf("widget %q: the expression %q cannot be drawn", w.Properties.Title, expression)
			}
			for at, value := range byID[a] {
				points[at] = value - byID[b][at]
			}
		}
		if id, ok := options["id"].(string); ok {
			byID[id] = points
		}
		if label == "" {
			label = name(key)
		}
		out = append(out, graph{label, points})
	}
	return out, nil
}

// name is what a line is called: the metric, or what AWS measured.
func name(key []string) string {
	if key[0] == "Gatehouse" {
		return key[1]
	}
	return strings.TrimPrefix(key[len(key)-1], "gatehouse-"+environment+"-")
}

func pick(data []series, key []string, stat string) map[int64]float64 {
	if stat == "p99" {
		stat = "Maximum"
	}
	for _, s := range data {
		if slices.Equal(s.Key, key) && s.Stat == stat {
			return s.Points
		}
	}
	return map[int64]float64{}
}

// found are the series of a metric that have exactly the dimensions.
func found(data []series, dimensions []string, metric, stat string) []graph {
	var out []graph
	for _, s := range data {
		var has []string
		for i := 2; i < len(s.Key); i += 2 {
			has = append(has, s.Key[i])
		}
		if s.Key[1] == metric && s.Stat == stat && slices.Equal(has, dimensions) {
			out = append(out, graph{s.Key[len(s.Key)-1], s.Points})
		}
	}
	return out
}

// widget draws one box with its lines and, below, their names.
func (p *picture) widget(w widget, graphs []graph, first, last int64) {
	x, y, width, height := 40*w.X+4, 36*w.Y+4, 40*w.Width-8, 36*w.Height-8
	p.box(x, y, width, height)
	p.text(x+10, y+20, "t", w.Properties.Title)
	shown := slices.DeleteFunc(slices.Clone(graphs), func(g graph) bool { return len(g.points) == 0 })
	if len(shown) == 0 {
		p.text(x+10, y+44, "m", "no data on a laptop")
		return
	}
	top := 1.0
	for _, g := range shown {
		top = max(top, slices.Max(slices.Collect(maps.Values(g.points))))
	}
	legend := 15.0 * math.Ceil(float64(len(shown))/2)
	bottom, tall := y+height-legend-24, height-legend-62
	p.text(x+10, y+38, "m", fmt.Sprintf("%.4g", top))
	p.add(`<path d="M%g %gh%g" stroke="#8c959f"/>`, x+10, bottom, width-20)
	p.text(x+10, bottom+14, "m", time.Unix(first, 0).UTC().Format("15:04"))
	p.text(x+width-42, bottom+14, "m", time.Unix(last, 0).UTC().Format("15:04"))
	for i, g := range shown {
		var path strings.Builder
		for j, at := range slices.Sorted(maps.Keys(g.points)) {
			px := x + 14 + (width-28)*float64(at-first)/float64(last-first)
			py := bottom - tall*max(g.points[at], 0)/top
			fmt.Fprintf(&path, "%s%.1f %.1f", map[bool]string{true: "M", false: "L"}[j == 0], px, py)
			p.add(`<circle cx="%.1f" cy="%.1f" r="2.5" fill="%s"/>`, px, py, colour(i))
		}
		p.add(`<path d="%s" fill="none" stroke="%s" stroke-width="1.5"/>`, path.String(), colour(i))
		lx, ly := x+10+float64(i%2)*width/2, y+height-legend+15*float64(i/2)+5
		p.add(`<rect x="%g" y="%g" width="9" height="9" rx="2" fill="%s"/>`, lx, ly-9, colour(i))
		p.text(lx+13, ly, "m", g.label)
	}
}
