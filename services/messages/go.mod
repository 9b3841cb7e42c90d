module gatehouse.example/services/messages

go 1.26.0

require (
	gatehouse.example/lambdakit v0.0.0
	github.com/aws/aws-lambda-go v1.55.1
	github.com/google/go-cmp v0.7.0
	golang.org/x/net v0.62.0
)

replace gatehouse.example/contracts => ../../contracts

replace gatehouse.example/lambdakit => ../../lambdakit
