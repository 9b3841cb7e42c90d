module gatehouse.example/rules

go 1.26.0
