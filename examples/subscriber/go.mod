module gatehouse.example/examples/subscriber

go 1.26.0
