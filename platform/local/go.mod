module gatehouse.example/platform/local

go 1.26.0
