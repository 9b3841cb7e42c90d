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
	"gatehouse.example/tools/template"
)

// The environment whose metrics are drawn.
const environment = "local"

// series is one metric of dashboard.json.
type series struct {
	// Key is what a dashboard writes: namespace, name, and dimensions as names and values.
	Key  []string `json:"key"`
	Stat string   `json:"stat"`
	// Points are values by the Unix time of their minute.
	Points map[int64]float64 `json:"points"`
	label  string
}

type widget struct {
	X, Y, Width, Height float64
	Properties          struct {
		Title, Stat string
		Metrics     [][]any
	}
}

// search reads the forms of SEARCH that the dashboard uses: of one metric, or of several
// with OR between them.
var search = regexp.MustCompile(`^SEARCH\('\{Gatehouse,(\S+)\} MetricName=\(?"(\w+(?:" OR "\w+)*)"\)? Environment="\w+"', '(\w+)', \d+\)$`)

// overview is the end of the name of the dashboard that is drawn.
const overview = "-user-events"

// dashboard draws the dashboard of all services as it is defined, with the metrics in raw.
func dashboard(all []stacks.Stack, raw []byte) ([]byte, error) {
	var board struct{ Widgets []widget }
	for _, s := range all {
		for _, r := range s.Resources {
			if r.Type != "AWS::CloudWatch::Dashboard" || !strings.HasSuffix(template.Text(r.Prop("DashboardName")), overview) {
				continue
			}
			if err := json.Unmarshal([]byte(strings.ReplaceAll(template.Text(r.Prop("DashboardBody")), "${Environment}", environment)), &board); err != nil {
				return nil, fmt.Errorf("json.Unmarshal %s: %w", r.ID, err)
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
	first, last := int64(math.MaxInt64), int64(0)
	for _, s := range data {
		for at := range s.Points {
			first, last = min(first, at), max(last, at)
		}
	}
	var p picture
	width, height := 0.0, 0.0
	for _, w := range board.Widgets {
		lines, err := w.lines(data)
		if err != nil {
			return nil, err
		}
		p.widget(w, lines, first, max(last, first+60))
		width, height = max(width, 40*(w.X+w.Width)), max(height, 36*(w.Y+w.Height))
	}
	return p.done(width, height, "The dashboard of user-events with the metrics of a few demos on a laptop"), nil
}

// lines evaluates the metrics of a widget and leaves out what has no data.
func (w widget) lines(data []series) ([]series, error) {
	var out []series
	byID := map[string]series{}
	for _, metric := range w.Properties.Metrics {
		key, options := []string{}, map[string]any{}
		for _, part := range metric {
			if text, ok := part.(string); ok {
				key = append(key, text)
			} else if o, ok := part.(map[string]any); ok {
				options = o
			}
		}
		expression, _ := options["expression"].(string)
		if m := search.FindStringSubmatch(expression); m != nil {
			for metric := range strings.SplitSeq(m[2], `" OR "`) {
				out = append(out, found(data, metric, m[3], strings.Split(m[1], ","))...)
			}
			continue
		}
		line := series{Key: key, Points: map[int64]float64{}}
		if expression != "" {
			a, b, _ := strings.Cut(expression, " - ")
			if byID[a].Points == nil || byID[b].Points == nil {
				return nil, fmt.Errorf("widget %q: the expression %q cannot be drawn", w.Properties.Title, expression)
			}
			for at, value := range byID[a].Points {
				line.Points[at] = value - byID[b].Points[at]
			}
		} else if i := slices.IndexFunc(data, func(s series) bool {
			return slices.Equal(s.Key, key) && s.Stat == w.collected(options)
		}); i >= 0 {
			line.Points = data[i].Points
		}
		line.label, _ = options["label"].(string)
		if id, ok := options["id"].(string); ok {
			byID[id] = line
		}
		out = append(out, line)
	}
	return slices.DeleteFunc(out, func(s series) bool { return len(s.Points) == 0 }), nil
}

// collected is the statistic that stands for that of a metric: for a percentile the
// maximum, because no other is collected.
func (w widget) collected(options map[string]any) string {
	stat, ok := options["stat"].(string)
	if !ok {
		stat = w.Properties.Stat
	}
	if strings.HasPrefix(stat, "p") {
		return "Maximum"
	}
	return stat
}

// found are the series of a metric that have exactly the dimensions, named by the last one.
func found(data []series, metric, stat string, dimensions []string) []series {
	var out []series
	for _, s := range data {
		var has []string
		for i := 2; i < len(s.Key); i += 2 {
			has = append(has, s.Key[i])
		}
		if s.Key[1] == metric && s.Stat == stat && slices.Equal(has, dimensions) {
			s.label = s.Key[len(s.Key)-1]
			out = append(out, s)
		}
	}
	return out
}

// name is what a line is called: its label, the metric, or what AWS measured.
func (s series) name() string {
	switch {
	case s.label != "":
		return s.label
	case s.Key[0] == "Gatehouse":
		return s.Key[1]
	}
	return strings.TrimPrefix(s.Key[len(s.Key)-1], "gatehouse-"+environment+"-")
}

// widget draws one box with its lines and, below, their names.
func (p *picture) widget(w widget, lines []series, first, last int64) {
	x, y, width, height := 40*w.X+4, 36*w.Y+4, 40*w.Width-8, 36*w.Height-8
	p.box(x, y, width, height)
	p.text(x+10, y+20, "t", w.Properties.Title)
	if len(lines) == 0 {
		p.text(x+10, y+44, "m", "no data on a laptop")
		return
	}
	top := 1.0
	for _, l := range lines {
		top = max(top, slices.Max(slices.Collect(maps.Values(l.Points))))
	}
	legend := 15 * math.Ceil(float64(len(lines))/2)
	bottom, tall := y+height-legend-24, height-legend-66
	p.text(x+10, y+37, "m", fmt.Sprintf("%.4g", top))
	p.text(x+10, bottom+14, "m", time.Unix(first, 0).UTC().Format("15:04"))
	p.text(x+width-42, bottom+14, "m", time.Unix(last, 0).UTC().Format("15:04"))
	p.add(`<path d="M%g %gh%g" stroke="#8c959f"/>`, x+10, bottom, width-20)
	for i, l := range lines {
		var points []string
		for _, at := range slices.Sorted(maps.Keys(l.Points)) {
			px, py := x+14+(width-28)*float64(at-first)/float64(last-first), bottom-tall*max(l.Points[at], 0)/top
			points = append(points, fmt.Sprintf("%.1f,%.1f", px, py))
			p.add(`<circle cx="%.1f" cy="%.1f" r="2.5" fill="%s"/>`, px, py, colour(i))
		}
		p.add(`<polyline points="%s" fill="none" stroke="%s" stroke-width="1.5"/>`, strings.Join(points, " "), colour(i))
		lx, ly := x+10+float64(i%2)*width/2, y+height-legend+15*float64(i/2)+5
		p.add(`<rect x="%g" y="%g" width="9" height="9" rx="2" fill="%s"/>`, lx, ly-9, colour(i))
		p.text(lx+13, ly, "m", l.name())
	}
}
