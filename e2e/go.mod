module gatehouse.example/e2e

go 1.26.0
